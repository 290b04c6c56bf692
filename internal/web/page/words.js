// Words and numbers for people.
export const $ = id => document.getElementById(id);

export const esc = s => String(s).replace(/[&<>"']/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]);

// short writes 1234567 as 1,234,567 and 12.345 as 12.3.
export const short = n => n >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString('en') : n.toPrecision(3);

// ago writes milliseconds as 12 s, 5 min, 3 h 20 min, 4 d 3 h.
export function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return s + ' s';
  if (s < 7200) return Math.floor(s / 60) + ' min';
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export const clock = at => new Date(at).toLocaleTimeString('en-GB');

// sends says what a member sends, by what its gate lets pass.
export const sends = covers => ({ all: 'sends everything', none: 'silent', 0: 'sends half (bucket 0)', 1: 'sends half (bucket 1)' })[covers] ?? covers;
