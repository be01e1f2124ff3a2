// What is around every page.
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, must } from '../api/client';
import { may, signOut, useMe } from '../api/session';
import { abbreviation } from '../lib/time';
import { now } from '../lib/clock';
import { short } from '../lib/format';
import { setPrefs, usePrefs } from '../lib/prefs';
import { useFreshness } from '../live';
import { PAGES } from '../pages';
import { Menu } from '../components/dialog';
import { Icon } from '../components/icons';
import { Keys, useKeys } from '../components/keys';
import { Toasts } from '../components/toasts';
import { Banners, LampMark } from './banners';
import { Palette } from './palette';
import { Expired } from './sign-in';

function Side({ isOpen, close }: { isOpen: boolean; close: () => void }) {
  const me = useMe();
  const { pathname } = useLocation();
  const { narrow } = usePrefs();
  const stats = useQuery({ queryKey: ['alert-stats'], queryFn: () => must(api.GET('/api/alerts/stats')), refetchInterval: 60_000 });
  const fresh = stats.data?.by_status['new'] ?? 0;
  const isHere = (path: string) => (path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`));
  return (
    <nav className={`side ${isOpen ? 'open' : ''}`} aria-label="Pages" onClick={(event) => (event.target as HTMLElement).closest('a') && close()}>
      <Link to="/" className="brand" activeProps={{}} aria-label="Fieldward, overview">
        <img src="/mark.svg" alt="" />
        <span>Fieldward</span>
      </Link>
      {PAGES.filter((page) => page.icon && (!page.role || may(me, page.role))).map((page) => (
        <Link key={page.path} to={page.path} className="item" activeProps={{}} aria-current={isHere(page.path) ? 'page' : undefined} title={narrow ? page.title : undefined} aria-label={narrow ? page.title : undefined}>
          <Icon name={page.icon ?? 'right'} />
          <span className="text">{page.title}</span>
          {page.path === '/alerts' && fresh > 0 && (
            <span className="count">
              {short(fresh)}
              <span className="hidden"> new</span>
            </span>
          )}
        </Link>
      ))}
      <div className="foot wide-only">
        <button className="button plain tiny" onClick={() => setPrefs({ narrow: !narrow })} title={narrow ? 'Show names of pages' : 'Hide names of pages'} aria-label={narrow ? 'Show names of pages' : undefined}>
          <Icon name={narrow ? 'right' : 'left'} />
          {!narrow && <span>Narrow</span>}
        </button>
      </div>
    </nav>
  );
}

function Top({ openSide, openPalette }: { openSide: () => void; openPalette: () => void }) {
  const me = useMe();
  const { zone, theme } = usePrefs();
  const themes = { auto: 'As the system', light: 'Light', dark: 'Dark' } as const;
  return (
    <header className="top">
      <button className="button plain icon-button mobile-only" onClick={openSide} aria-label="Pages">
        <Icon name="menu" />
      </button>
      <button className="button" onClick={openPalette}>
        <Icon name="search" />
        <span className="wide-text">Go to or search</span>
        <kbd className="wide-only" aria-hidden="true">
          Ctrl K
        </kbd>
      </button>
      <span className="push" />
      <LampMark />
      <button className="button plain tiny" onClick={() => setPrefs({ zone: zone === 'utc' ? 'local' : 'utc' })} title="Zone of all times here; a click changes it">
        {zone === 'utc' ? 'UTC' : abbreviation('local', now())}
      </button>
      <Menu icon="user" className="plain" label={<span className="wide-text cut">{me?.name}</span>}>
        <div className="menu-item" role="presentation">
          <span>
            <b>{me?.name}</b>
            <br />
            <span className="small dim">
              {me?.role} · {me?.facilities.includes('*') ? 'all plants' : me?.facilities.join(', ')}
            </span>
          </span>
        </div>
        {(['auto', 'light', 'dark'] as const).map((one) => (
          <button key={one} className="menu-item" aria-pressed={theme === one} onClick={() => setPrefs({ theme: one })}>
            <span>{themes[one]}</span>
            {theme === one && <Icon name="check" />}
          </button>
        ))}
        <Link to="/settings" className="menu-item" activeProps={{}}>
          <Icon name="settings" /> Settings
        </Link>
        <a className="menu-item" href="/docs">
          <Icon name="info" /> API
        </a>
        <button className="menu-item" onClick={() => void signOut()}>
          <Icon name="lock" /> Sign out
        </button>
      </Menu>
    </header>
  );
}

export function Frame() {
  const me = useMe();
  const { narrow } = usePrefs();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const [isPalette, setPalette] = useState(false);
  const { pathname } = useLocation();
  useFreshness();
  useEffect(() => setOpen(false), [pathname]);
  useKeys('Everywhere', [
    { key: 'Ctrl+K', label: 'Go to, or search', run: () => setPalette(true) },
    { key: '/', label: 'Go to, or search', run: () => setPalette(true) },
  ]);
  useKeys(
    'Pages',
    PAGES.filter((page) => page.key && (!page.role || may(me, page.role))).map((page) => ({ key: `Shift+${page.key}`, label: page.title, run: () => void navigate({ to: page.path }) })),
  );
  return (
    <div className={`frame ${narrow ? 'narrow' : ''}`}>
      <a className="button skip" href="#content">
        Skip to the content
      </a>
      <Side isOpen={isOpen} close={() => setOpen(false)} />
      <div className="topside">
        <Top openSide={() => setOpen(true)} openPalette={() => setPalette(true)} />
        <Banners />
      </div>
      <main className="main" onClick={() => isOpen && setOpen(false)}>
        <Outlet />
      </main>
      {isPalette && <Palette onClose={() => setPalette(false)} />}
      <Keys />
      <Toasts />
      <Expired />
    </div>
  );
}
