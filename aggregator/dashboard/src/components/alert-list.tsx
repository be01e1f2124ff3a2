// Alerts in a line each, as links.
import type { Schemas } from '../api/client';
import { Go } from './go';
import { Moment, SeverityMark } from './marks';

export function AlertList({ all }: { all: readonly Schemas['Alert'][] }) {
  return (
    <ul className="related">
      {all.map((one) => (
        <li key={one.id}>
          <SeverityMark of={one.severity} wordless />
          <Moment at={one.timestamp} />
          <Go to={`/alerts/${one.id}`} className="cut">
            {one.title}
          </Go>
        </li>
      ))}
    </ul>
  );
}
