import path from 'node:path';
import { cost } from './native.js';

/**
 * What the machine itself takes for the same work, with native programs and no service around it.
 * Every answer is in seconds.
 */
export class Limit {
  constructor(private readonly directory: string) {}

  /**
   * Bytes that come over loopback, are digested and made durable, on two cores: the CPU seconds of
   * all of it halved, or the disk's own time where that is longer.
   */
  async upload(file: string, algorithms: readonly string[]): Promise<number> {
    let digests = 0;
    for (const algorithm of algorithms) {
      digests += (await cost(`openssl dgst -${algorithm} "$1" >/dev/null`, [file])).cpu;
    }
    const loopback = await this.loopback(file);
    const disk = await cost('dd if="$1" of="$2" bs=1M conv=fdatasync 2>/dev/null; rm "$2"', [
      file,
      path.join(this.directory, 'limit'),
    ]);
    return Math.max((digests + loopback + disk.cpu) / 2, disk.wall);
  }

  /** CPU seconds of sending and receiving a file over loopback. */
  async loopback(file: string): Promise<number> {
    const script = `port=$((20000 + RANDOM % 20000))
      socat -u -b1048576 TCP-LISTEN:$port,bind=127.0.0.1 OPEN:/dev/null & sleep 0.2
      socat -u -b1048576 OPEN:"$1" TCP:127.0.0.1:$port; wait`;
    return (await cost(script, [file])).cpu;
  }

  /** `qemu-img convert`, then every digest of the result side by side. */
  async convert(file: string, driver: string, algorithms: readonly string[]): Promise<number> {
    const target = path.join(this.directory, 'limit.raw');
    const digests = algorithms.map((algorithm) => `openssl dgst -${algorithm} "$2" >/dev/null &`);
    const script = `qemu-img convert -f "$3" -O raw "$1" "$2"; ${digests.join(' ')} wait`;
    const { wall } = await cost(script, [file, target, driver]);
    await cost('rm "$1"', [target]);
    return wall;
  }

  /** As many native copies at once, each made durable. */
  async copies(file: string, count: number): Promise<number> {
    const targets = Array.from({ length: count }, (_, at) =>
      path.join(this.directory, `copy-${at}`),
    );
    const script = `source=$1; shift
      for target; do dd if="$source" of="$target" bs=1M conv=fsync 2>/dev/null & done; wait`;
    const { wall } = await cost(script, [file, ...targets]);
    await cost('rm "$@"', targets);
    return wall;
  }
}
