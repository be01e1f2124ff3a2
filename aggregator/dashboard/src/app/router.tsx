// Routes are made of PAGES. What is behind `?` is plain words, see lib/search.ts.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, useNavigate, useParams, useRouter, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { PAGES } from '../pages';
import { parseSearch, type Search, writeSearch } from '../lib/search';
import { Empty, ProblemNote } from '../components/shown';
import { Problem } from '../api/problem';
import { Frame } from './frame';

function Nowhere() {
  return (
    <div className="content">
      <Empty icon="search" title="There is no such page">
        The address is of none that this release has. The navigation lists all.
      </Empty>
    </div>
  );
}

function Fault({ error: thrown }: { error: unknown }) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const router = useRouter();
  // A page of a release that has been replaced is not there any more.
  const isGone = /dynamically imported module|Importing a module script/.test(error.message);
  return (
    <div className="content">
      <ProblemNote
        problem={isGone ? new Problem(0, 'away', 'This page could not be fetched: the aggregator is away, or was brought up to date.', null, {}) : Problem.from(error)}
        retry={() => (isGone ? location.reload() : void router.invalidate())}
      />
    </div>
  );
}

const root = createRootRoute({ component: Frame, notFoundComponent: Nowhere, errorComponent: Fault });
const routes = PAGES.map((page) =>
  createRoute({ getParentRoute: () => root, path: page.path, component: lazyRouteComponent(page.load), errorComponent: Fault }),
);

export const router = createRouter({
  routeTree: root.addChildren(routes),
  parseSearch,
  stringifySearch: writeSearch,
  defaultPreload: 'intent',
  defaultPendingMs: 300,
  scrollRestoration: true,
});

/** What is behind `?`, and how to change it: what is not named stays, what is empty goes. */
export function useSearchState(): [Search, (change: Record<string, string | undefined>, options?: { push?: boolean }) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const set = useCallback(
    (change: Record<string, string | undefined>, options?: { push?: boolean }) => {
      const changed = (before: Search) => {
        const after: Record<string, string | undefined> = { ...before, ...change };
        return Object.fromEntries(Object.entries(after).filter(([, value]) => value));
      };
      void navigate({ to: '.', search: changed as never, replace: !options?.push });
    },
    [navigate],
  );
  return [search, set];
}

export function useId_(): string {
  return (useParams({ strict: false }) as { id?: string }).id ?? '';
}
