// Who did what, when and why.
import { useQuery } from '@tanstack/react-query';
import { api, must, type Schemas } from '../../api/client';
import { Empty, Shown } from '../../components/shown';
import { Moment, StatusMark } from '../../components/marks';

export function History({ alert }: { alert: Schemas['Alert'] }) {
  const acts = useQuery({ queryKey: ['alert', alert.id, 'history'], queryFn: () => must(api.GET('/api/alerts/{alert_id}/history', { params: { path: { alert_id: alert.id } } })) });
  return (
    <div className="alert-body">
      <section>
        <h2>What was done</h2>
        <Shown query={acts} empty={(data) => data.acts.length === 0 && <Empty title="Nobody has touched it">It was raised <Moment at={alert.first_seen} long />, and reached the aggregator <Moment at={alert.received_at} long />.</Empty>}>
          {(data) => (
            <ol className="steps-line">
              {data.acts.map((one, nth) => (
                <li key={nth}>
                  <p className="row">
                    <StatusMark of={one.to} /> <b>{one.actor}</b> <Moment at={one.timestamp} long />
                  </p>
                  {one.reason && <blockquote>{one.reason}</blockquote>}
                </li>
              ))}
            </ol>
          )}
        </Shown>
      </section>
    </div>
  );
}
