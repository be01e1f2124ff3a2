// Writes src/api/schema.d.ts from the document that `fieldward-aggregator openapi` prints.
//   node scripts/api.mjs DOCUMENT          writes it
//   node scripts/api.mjs DOCUMENT --check  fails when what is there is not what it would write
// Words and error answers are left out: errors have one body, and the words are read at /docs.
import { readFileSync, writeFileSync } from 'node:fs';
import openapi, { astToString } from 'openapi-typescript';

const [from, check] = process.argv.slice(2);
if (!from) {
  console.error('say which document: fieldward-aggregator openapi > openapi.json; node scripts/api.mjs openapi.json');
  process.exit(2);
}
const document = JSON.parse(readFileSync(from, 'utf8'));
const bare = (value) => {
  if (Array.isArray(value)) return value.map(bare);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(
    ([key, one]) => !((key === 'description' || key === 'summary') && typeof one === 'string') && key !== 'example',
  );
  return Object.fromEntries(kept.map(([key, one]) => [key, bare(one)]));
};
for (const item of Object.values(document.paths)) {
  for (const operation of Object.values(item)) {
    if (!operation.responses) continue;
    operation.responses = Object.fromEntries(
      Object.entries(operation.responses).filter(([status]) => !/^[45]/.test(status)),
    );
  }
}
const text = `// Written by scripts/api.mjs from the API's document; not by hand.\n${astToString(await openapi(bare(document)))}`;
const file = new URL('../src/api/schema.d.ts', import.meta.url);
if (check === '--check') {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('src/api/schema.d.ts is not what the API says now: run `make page-api`');
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
}
