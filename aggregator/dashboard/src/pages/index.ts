// Every page: a folder beside this file, and a line here; and its address in e2e/looks.mjs.
import type { ComponentType } from 'react';
import type { IconName } from '../components/icons';
import type { Me } from '../api/session';

export interface PageEntry {
  path: string;
  title: string;
  load: () => Promise<{ default: ComponentType }>;
  /** In the navigation; pages about one thing are reached from the page of all. */
  icon?: IconName;
  /** With Shift it goes there. */
  key?: string;
  /** Below this role it is not shown: the aggregator would refuse what it asks. */
  role?: Me['role'];
}

export const PAGES: readonly PageEntry[] = [
  { path: '/', title: 'Overview', icon: 'overview', key: 'O', load: () => import('./overview') },
  { path: '/alerts', title: 'Alerts', icon: 'alerts', key: 'A', load: () => import('./alerts') },
  { path: '/alerts/$id', title: 'Alert', load: () => import('./alerts/one') },
  { path: '/incidents', title: 'Incidents', icon: 'incidents', key: 'I', load: () => import('./incidents') },
  { path: '/facilities', title: 'Facilities', icon: 'facilities', key: 'F', load: () => import('./facilities') },
  { path: '/facilities/$id', title: 'Facility', load: () => import('./facilities/one') },
  { path: '/learning', title: 'Federated learning', icon: 'learning', key: 'L', load: () => import('./learning') },
  { path: '/attack', title: 'Attack graph', icon: 'graph', key: 'G', load: () => import('./attack') },
  { path: '/traffic', title: 'Traffic and threats', icon: 'traffic', key: 'T', load: () => import('./traffic') },
  { path: '/models', title: 'Models', icon: 'models', key: 'M', load: () => import('./models') },
  { path: '/compliance', title: 'Compliance', icon: 'compliance', key: 'C', load: () => import('./compliance') },
  { path: '/settings', title: 'Settings', icon: 'settings', key: 'S', load: () => import('./settings') },
];
