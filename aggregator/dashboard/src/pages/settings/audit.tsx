// The trail: who did what. Each row holds the digest of the one before.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { Problem } from '../../api/problem';
import { count } from '../../lib/format';
import { Moment } from '../../components/marks';
import { Loading, Panel, ProblemNote } from '../../components/shown';
import { sayProblem } from '../../components/toasts';

export function Audit() {
  const [verdict, setVerdict] = useState<Schemas['Verdict'] | null>(null);
  const acts = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: ({ pageParam }) => must(api.GET('/api/audit', { params: { query: { limit: 100, before: pageParam } } })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_before ?? undefined,
  });
  const verify = () => must(api.GET('/api/audit/verify')).then(setVerdict).catch(sayProblem);
  return (
    <Panel
      title="Audit"
      flush
      actions={
        <button className="button tiny" onClick={() => void verify()}>
          Verify the chain
        </button>
      }
    >
      {verdict && (
        <p className="inset" role="status">
          <span className="chip">{JSON.stringify(verdict)}</span>
        </p>
      )}
      {acts.error && <ProblemNote problem={Problem.from(acts.error)} retry={() => void acts.refetch()} />}
      {acts.isPending && <Loading lines={8} />}
      {acts.data && (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Acts">
          <table className="plain">
            <thead>
              <tr>
                {['No.', 'Time', 'Who', 'What', 'Of what', 'More'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {acts.data.pages
                .flatMap((page) => page.acts)
                .map((one) => (
                  <tr key={one.id}>
                    <td className="num" title={one.hash}>
                      {count(one.id)}
                    </td>
                    <td>
                      <Moment at={one.timestamp} />
                    </td>
                    <td>{one.actor}</td>
                    <td>{one.action}</td>
                    <td className="break small mono">{one.object}</td>
                    <td className="break small">{one.detail}</td>
                  </tr>
                ))}
            </tbody>
          </table>
          {acts.hasNextPage && (
            <button className="button" disabled={acts.isFetchingNextPage} onClick={() => void acts.fetchNextPage()}>
              Older
            </button>
          )}
        </div>
      )}
    </Panel>
  );
}
