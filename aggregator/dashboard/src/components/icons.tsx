// Drawn here, 24 by 24, one stroke: nothing comes from elsewhere.
const PATHS = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
  alerts: 'M12 4 2.8 19.5h18.4zM12 10v4.2M12 17v.1',
  incidents: 'M5 5v14M5 7h6M5 12h10M5 17h14M11 5.5v3M15 10.5v3M19 15.5v3',
  facilities: 'M3 20V10l6 4v-4l6 4V4h6v16zM7 17h2M12 17h2M17 17h1',
  learning: 'M12 5a2 2 0 1 0 0 .1M5 18a2 2 0 1 0 0 .1M19 18a2 2 0 1 0 0 .1M12 7v5M12 12l-6 4.5M12 12l6 4.5',
  graph: 'M4 6h5v4H4zM15 4h5v4h-5zM15 15h5v4h-5zM9 8h3v9h3M12 8V6h3',
  traffic: 'M3 17l4-6 4 4 4-9 3 6h3',
  models: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  compliance: 'M12 3l8 3v6c0 5-3.6 8-8 9-4.4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4.5 4.5',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  check: 'M5 12.5l4.5 4.5L19 7',
  down: 'M6 9l6 6 6-6',
  right: 'M9 6l6 6-6 6',
  left: 'M15 6l-6 6 6 6',
  up: 'M6 15l6-6 6 6',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.6 1.7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.6-1.7',
  export: 'M12 4v11M7 10l5 5 5-5M4 20h16',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.5 20.5a7.5 7.5 0 0 1 15 0',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5.5M12 7.5v.1',
  empty: 'M4 13l3-8h10l3 8v6H4zM4 13h5l1 2.5h4L15 13h5',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  away: 'M3 8.5a14 14 0 0 1 4-2.4M11 5a14 14 0 0 1 10 3.5M6.5 12.5A9 9 0 0 1 10 10.6M14.5 10.9a9 9 0 0 1 3 1.6M12 18v.1M4 4l16 16',
  play: 'M7 5l12 7-12 7z',
  pause: 'M8 5v14M16 5v14',
  undo: 'M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3',
  refresh: 'M20 11a8 8 0 1 0-2 6M20 4v7h-7',
  keyboard: 'M3 7h18v10H3zM7 11v.1M11 11v.1M15 11v.1M8 14h8',
  bookmark: 'M7 4h10v16l-5-4-5 4z',
  columns: 'M4 5h16v14H4zM10 5v14M15 5v14',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
