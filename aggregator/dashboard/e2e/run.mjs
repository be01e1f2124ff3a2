// Drives the page. FIELDWARD_AT says where the aggregator is; on standard output go results, and lines with `@` for
// whoever plays it. STORIES=queue,away runs some; SHOTS=folder keeps pictures.
import { Stage } from './stage.mjs';
import * as actions from './actions.mjs';
import * as bad from './bad-input.mjs';
import * as looks from './looks.mjs';
import * as measures from './measures.mjs';

const at = process.env.FIELDWARD_AT;
if (!at) {
  console.error('FIELDWARD_AT does not say where the aggregator is');
  process.exit(2);
}
const wanted = process.env.STORIES?.split(',');
const stories = Object.entries({ ...actions, ...bad, ...looks, ...measures });
let failed = 0;
for (const [name, story] of stories) {
  if (wanted && !wanted.includes(name)) continue;
  const begun = performance.now();
  const stage = await Stage.open(at);
  try {
    await story(stage);
    if (stage.foreign.length > 0) throw new Error(`asked elsewhere: ${stage.foreign}`);
    if (stage.faults.length > 0) throw new Error(`faults of the page: ${[...new Set(stage.faults)].join('\n')}`);
    console.log(`ok      ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error.stack}`);
  } finally {
    await stage.close();
  }
}
process.exit(failed ? 1 : 0);
