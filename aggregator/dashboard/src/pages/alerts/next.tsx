// What it may be, and what may come next.
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { percent, shortFrame } from '../../lib/format';
import { BarList } from '../../components/chart';
import { Go } from '../../components/go';
import { Loading } from '../../components/shown';
import { predictions } from './coming';

export function Next({ alert }: { alert: Schemas['Alert'] }) {
  const asked = useQuery({ queryKey: ['predictions', 'of', alert.id], queryFn: () => predictions(200), staleTime: 30_000 });
  const found = asked.data?.predictions.find((one) => one.alert_id === alert.id);
  return (
    <section>
      <h2>What may come next</h2>
      {asked.isPending && <Loading lines={2} />}
      {found ? (
        <BarList
          write={(value) => percent(value)}
          most={1}
          items={found.predicted_techniques.map((one) => ({
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
      ) : (
        !asked.isPending && <p className="dim">{alert.attack_type ? 'No prediction was made for this alert.' : 'Without a technique there is no prediction.'}</p>
      )}
      {alert.candidates.length > 0 && (
        <>
          <h3>Techniques it may be</h3>
          <BarList
            write={(value) => percent(value)}
            most={1}
            items={alert.candidates.slice(0, 5).map((one) => ({
              key: one.technique,
              value: one.probability,
              name: (
                <Go to="/attack" search={{ technique: one.technique }}>
                  <code>{one.technique}</code>
                </Go>
              ),
            }))}
          />
        </>
      )}
    </section>
  );
}
