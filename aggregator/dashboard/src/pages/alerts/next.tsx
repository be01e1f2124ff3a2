// What it may be, and what may come next.
import { useQuery } from '@tanstack/react-query';
import { api, must, type Schemas } from '../../api/client';
import { percent } from '../../lib/format';
import { BarList } from '../../components/chart';
import { Expected } from '../../components/expected';
import { Go } from '../../components/go';
import { Loading } from '../../components/shown';

export function Next({ alert }: { alert: Schemas['Alert'] }) {
  const asked = useQuery({ queryKey: ['predictions', 'of', alert.id], queryFn: () => must(api.GET('/api/predictions', { params: { query: { limit: 200 } } })), staleTime: 30_000 });
  const found = asked.data?.predictions.find((one) => one.alert_id === alert.id);
  return (
    <section>
      <h2>What may come next</h2>
      {asked.isPending && <Loading lines={2} />}
      {found ? (
        <Expected all={found.predicted_techniques} />
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
