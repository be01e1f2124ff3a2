// The states of everything that is asked: loading, empty, error, stale, and the data.
import { useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { Problem } from '../api/problem';
import { ago } from '../lib/time';
import { now } from '../lib/clock';
import { Icon, type IconName } from './icons';
import { useNow } from './marks';

export function Empty({ icon = 'empty', title, children, action }: { icon?: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="state">
      <Icon name={icon} />
      <strong>{title}</strong>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** Nothing for 250 ms, so that what is quick does not flash. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 250);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="skeleton" role="status" aria-busy="true">
      <span className="hidden">Loading</span>
      {Array.from({ length: lines }, (_, nth) => (late ? <i key={nth} /> : <i key={nth} className="hidden" />))}
    </div>
  );
}

export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
  // It is said what is not there now, and it is nobody's fault.
  const isLater = problem.status === 503;
  const isRole = problem.code === 'missing_role' || problem.code === 'missing_scope';
  return (
    <div className={`note ${isRole || isLater ? '' : problem.isAway ? 'warn' : 'bad'}`} role="alert">
      <Icon name={isRole ? 'lock' : isLater ? 'info' : problem.isAway ? 'away' : 'alerts'} />
      <div>
        <p>{isRole ? `You may not see this: ${problem.said}.` : problem.said.charAt(0).toUpperCase() + problem.said.slice(1)}</p>
        {problem.requestId && !isRole && !isLater && (
          <p className="small dim">
            Request <code>{problem.requestId}</code> – the aggregator's log tells more under this number.
          </p>
        )}
      </div>
      {retry && !isRole && (
        <button className="button tiny" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface Props<T> {
  query: UseQueryResult<T, Error>;
  /** What to say when there is nothing; asked with the data. */
  empty?: (data: T) => ReactNode | false | null;
  lines?: number;
  children: (data: T) => ReactNode;
}

export function Shown<T>({ query, empty, lines, children }: Props<T>) {
  const { data, error, refetch, dataUpdatedAt } = query;
  const problem = error ? Problem.from(error) : null;
  if (data === undefined) {
    if (problem) return <ProblemNote problem={problem} retry={() => void refetch()} />;
    return <Loading lines={lines} />;
  }
  const body = (empty && empty(data)) || children(data);
  if (!problem) return <>{body}</>;
  return (
    <div className="stack greyed">
      <Old problem={problem} at={dataUpdatedAt} retry={() => void refetch()} />
      <div className="old">{body}</div>
    </div>
  );
}

/** What was known last, and since when nobody knows better. */
function Old({ problem, at, retry }: { problem: Problem; at: number; retry: () => void }) {
  useNow();
  return (
    <div className="note warn" role="alert">
      <Icon name="away" />
      <div>
        <p>
          <b>As of {ago(at, Date.now())}.</b> {problem.said}
        </p>
      </div>
      <button className="button tiny" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

interface PanelProps {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  className?: string;
  flush?: boolean;
  children: ReactNode;
}

export function Panel({ title, note, actions, className = '', flush = false, children }: PanelProps) {
  return (
    <section className={`panel ${className}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {note && <span className="small dim">{note}</span>}
        {actions}
      </header>
      <div className={flush ? 'body flush' : 'body'}>{children}</div>
    </section>
  );
}

/** A page that scrolls as a whole. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <div className="content" tabIndex={-1} id="content">
      <div className="page">
        <div className="head">
          <h1>{title}</h1>
          {actions}
        </div>
        {children}
      </div>
    </div>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Fieldward`;
  }, [title]);
}

export function useInvalidate(): (...keys: string[]) => void {
  const client = useQueryClient();
  return (...keys) => void client.invalidateQueries({ predicate: (query) => keys.includes(String(query.queryKey[0])) });
}

export { now };
