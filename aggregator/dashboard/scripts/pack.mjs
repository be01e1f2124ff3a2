// Writes a Brotli file beside each file of dist/ that it makes smaller, and holds the budget of the first view.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const BUDGET = 250_000;
const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
for (const path of files('dist')) {
  if (!/\.(js|css|html|svg)$/.test(path)) continue;
  const plain = readFileSync(path);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
  const packed = brotliCompressSync(plain, { params });
  if (packed.length < plain.length) writeFileSync(`${path}.br`, packed);
}
const index = readFileSync('dist/index.html', 'utf8');
const scripts = [...index.matchAll(/(?:src|href)="(\/[^"]+\.js)"/g)].map((found) => found[1]);
const size = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(join('dist', path)), { level: 9 }).length, 0);
console.log(`first view: ${scripts.length} scripts, ${size} bytes by gzip (at most ${BUDGET})`);
if (size > BUDGET) process.exit(1);
