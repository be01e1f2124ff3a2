// Links within the page, by address: `<Go to="/alerts" search={{ severity: 'critical' }}>`.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

interface Props {
  to: string;
  search?: Record<string, string | undefined>;
  className?: string;
  children: ReactNode;
  title?: string;
  label?: string;
}

export function Go({ to, search, className, children, title, label }: Props) {
  return (
    <Link to={to} search={(search ?? {}) as never} className={className} title={title} aria-label={label} activeProps={{}} activeOptions={{ exact: true }}>
      {children}
    </Link>
  );
}
