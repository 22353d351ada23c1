import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { play } from './play.js';
import { session } from './session.js';

/**
 * Plays the session against an empty server and writes its answers, one a line:
 * `tsx test/wire/record.ts URL FILE PORT`. The server must believe identity headers, and its
 * `web-download` must reach 127.0.0.1:PORT.
 */
const [url, file, port] = process.argv.slice(2);
if (url === undefined || file === undefined || port === undefined) {
  throw new Error('usage: record.ts URL FILE PORT');
}
const web = createServer((req, res) => {
  if (req.url === '/disk') res.end(Buffer.alloc(4096, 'x'));
  else res.writeHead(404).end();
});
web.listen(Number(port), '127.0.0.1');
await once(web, 'listening');
try {
  const base = `http://127.0.0.1:${port}`;
  const known = { source: `${base}/disk`, absent: `${base}/absent` };
  const exchanges = await play(url, session(), known);
  const lines = exchanges.map((exchange) => JSON.stringify(exchange));
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`);
  process.stdout.write(`${exchanges.length} exchanges\n`);
} finally {
  web.close();
}
