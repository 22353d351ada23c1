"""A session of openstacksdk with the Image API of the cloud in the environment; what it sees goes out as one JSON object."""
import hashlib
import json
import sys
import time

import openstack

disk, source = sys.argv[1:3]
connection = openstack.connect(cloud='envvars')
images = connection.image
seen = {}


def until(image, status):
    for _ in range(600):
        now = images.get_image(image.id)
        if now.status == status:
            return now
        time.sleep(0.05)
    raise SystemExit('image is still ' + now.status)


def empty(name):
    return images.create_image(name, disk_format='raw', container_format='bare')


uploaded = images.create_image('uploaded', filename=disk, disk_format='raw', container_format='bare',
                               tags=['x'], wait=True, colour='red')
uploaded = images.get_image(uploaded.id)
seen['uploaded'] = [uploaded.status, uploaded.size, uploaded.properties['colour'], uploaded.tags]
data = images.download_image(uploaded.id).content
seen['downloaded'] = hashlib.sha512(data).hexdigest() == uploaded.hash_value

staged = empty('staged')
images.stage_image(images.get_image(staged.id), filename=disk)
seen['staged'] = images.get_image(staged.id).status
images.import_image(staged, method='glance-direct')
seen['imported'] = until(staged, 'active').size

fetched = empty('fetched')
images.import_image(fetched, method='web-download', uri=source)
seen['fetched'] = until(fetched, 'active').hash_value == uploaded.hash_value

images.import_image(images.get_image(fetched.id), method='copy-image', all_stores=True)
for _ in range(600):
    stores = images.get_image(fetched.id).properties['stores']
    if ',' in stores:
        break
    time.sleep(0.05)
seen['copied'] = stores

images.update_image(images.get_image(fetched.id), name='renamed')
images.add_tag(fetched, 'green')
renamed = images.get_image(fetched.id)
seen['changed'] = [renamed.name, renamed.tags]
images.remove_tag(fetched, 'green')

images.deactivate_image(fetched)
seen['deactivated'] = images.get_image(fetched.id).status
images.reactivate_image(fetched)
seen['reactivated'] = images.get_image(fetched.id).status

offered = images.add_member(fetched, member_id='other')
answered = images.update_member('other', fetched, status='accepted')
seen['member'] = [offered.status, answered.status, [m.member_id for m in images.members(fetched)]]
images.remove_member('other', fetched)

seen['listed'] = [image.name for image in images.images(sort='name:asc')]
seen['by tag'] = [image.name for image in images.images(tag='x')]
seen['tasks'] = {task.status for task in images.tasks()} == {'success'}
for image in (uploaded, staged, fetched):
    images.delete_image(image.id)
seen['left'] = len(list(images.images()))
print(json.dumps(seen))
