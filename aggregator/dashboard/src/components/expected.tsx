// Techniques that may come next, with how likely each is and when.
import type { Schemas } from '../api/client';
import { percent, shortFrame } from '../lib/format';
import { BarList } from './chart';
import { Go } from './go';

export function Expected({ all }: { all: readonly Schemas['PredictedTechnique'][] }) {
  return (
    <BarList
      write={(value) => percent(value)}
      most={1}
      items={all.map((one) => ({
        key: one.technique_id,
        value: one.probability,
        tone: 's2',
        name: (
          <Go to="/attack" search={{ technique: one.technique_id }}>
            <code>{one.technique_id}</code> {one.technique_name} <span className="dim">· {shortFrame(one.timeframe)}</span>
          </Go>
        ),
      }))}
    />
  );
}
