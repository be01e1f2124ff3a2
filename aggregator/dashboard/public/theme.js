// Before anything is drawn: the theme that was chosen, so that a dark room stays dark.
try {
  const chosen = JSON.parse(localStorage.getItem('fieldward') || '{}');
  if (chosen.theme === 'dark' || chosen.theme === 'light') document.documentElement.dataset.theme = chosen.theme;
} catch {
  // Nothing was chosen, or it cannot be read: then it is the system's.
}
