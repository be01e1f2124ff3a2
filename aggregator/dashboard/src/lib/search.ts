// Addresses: what is behind `?` is all the state that a view has, as plain words, so that a link is the view.

export type Search = Record<string, string>;

export function parseSearch(text: string): Search {
  const search: Search = {};
  for (const [key, value] of new URLSearchParams(text)) search[key] = value;
  return search;
}

export function writeSearch(search: Record<string, unknown>): string {
  const kept = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') kept.set(key, value);
  }
  // Commas and colons are read by people.
  const text = kept.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return text === '' ? '' : `?${text}`;
}

/** `a,b` without or with one of its words. */
export function toggled(list: string | undefined, word: string): string {
  const words = (list ?? '').split(',').filter(Boolean);
  return (words.includes(word) ? words.filter((one) => one !== word) : [...words, word]).join(',');
}

export const listed = (list: string | undefined): string[] => (list ?? '').split(',').filter(Boolean);
