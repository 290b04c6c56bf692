// The table of groups: searched and paged by the device, for there may be 100,000.
import { $, ago, esc, short } from './words.js';

const REFRESH = 5000, PAUSE = 250;
let page = 0, pages = 1, open = '', asked = 0;

export function startGroups() {
  let typing;
  $('search').oninput = () => { clearTimeout(typing); typing = setTimeout(() => { page = 0; load(); }, PAUSE); };
  $('prev').onclick = () => { page--; load(); };
  $('next').onclick = () => { page++; load(); };
  const body = $('groups').tBodies[0];
  body.onclick = e => toggle(e.target.closest('tr.row'));
  body.onkeydown = e => {
    if (!['Enter', ' '].includes(e.key) || !e.target.matches('tr.row')) return;
    e.preventDefault(); // the space bar would scroll
    toggle(e.target);
  };
  setInterval(() => { if (!document.hidden) load(); }, REFRESH);
  load();
}

// toggle opens the row of a group, or closes it.
function toggle(row) {
  if (!row) return;
  open = open === row.dataset.key ? '' : row.dataset.key;
  load();
}

async function load() {
  const mine = ++asked;
  const answer = await fetch(`api/groups?page=${page}&search=${encodeURIComponent($('search').value)}`).catch(() => null);
  if (!answer?.ok || mine !== asked) return; // a later question is under way
  const found = await answer.json();
  page = found.page;
  pages = found.pages;
  let detail = '';
  if (open) {
    const [iface, group] = open.split(' ');
    const one = await fetch(`api/group?interface=${encodeURIComponent(iface)}&group=${encodeURIComponent(group)}`).catch(() => null);
    if (mine !== asked) return;
    if (one?.ok) detail = details(await one.json());
  }
  draw(found, detail);
}

function draw(found, detail) {
  $('found').textContent = `${short(found.total)} found`;
  $('page').textContent = `${short(page + 1)} / ${short(pages)}`;
  $('prev').disabled = page === 0;
  $('next').disabled = page + 1 >= pages;
  const body = $('groups').tBodies[0], focused = document.activeElement?.dataset?.key;
  body.innerHTML = found.groups.map(g => {
    const key = `${g.interface} ${g.group}`;
    return `<tr class="row" tabindex="0" aria-expanded="${key === open}" data-key="${esc(key)}"><td class="mono">${esc(g.group)}</td><td>${esc(g.interface)}</td><td>${sources(g)}</td>
      <td class="n">${g.static ? '<span class="dim">static </span>' : ''}${short(g.hosts)}</td><td class="mono">${esc(g.reporter)}</td>
      <td class="n">${ago(g.uptime)}</td><td class="n">${g.static ? '' : ago(g.expires)}</td></tr>` +
      (key === open ? `<tr class="detail"><td colspan="7">${detail}</td></tr>` : '');
  }).join('') || `<tr><td colspan="7" class="dim">${$('search').value ? 'Nobody listens to anything like that.' : 'No group has a listener.'}</td></tr>`;
  if (focused) [...body.rows].find(r => r.dataset.key === focused)?.focus({ preventScroll: true }); // it was drawn anew
}

function sources(g) {
  const any = g.mode === 'EXCLUDE', list = g.sources.slice(0, 2).map(esc).join(', ');
  const more = g.sources.length > 2 ? ` and ${g.sources.length - 2} more` : '';
  if (!g.sources.length) return any ? '<span class="dim">any</span>' : '';
  return (any ? '<span class="dim">any but </span>' : '') + `<span class="mono">${list}</span>${more}`;
}

const arrives = known => known === null ? '<span class="dim">unknown</span>' : known ? 'yes' : '<span class="warn">no</span>';

function details(d) {
  const streams = d.streams.map(s => `<tr><td class="mono">${esc(s.source)}</td><td>${s.sends ? `<span class="good">this device</span>` : 'the peer'} <span class="dim">${esc(s.why)}</span></td>
    <td>${arrives(s.here)}</td><td>${arrives(s.peer)}</td>
    <td class="n">${s.bucket}</td><td class="n">${short(s.packets)}</td><td class="n">${short(s.bytes)}</td></tr>`).join('');
  const hosts = d.listeners.map(l => `<tr><td class="mono">${esc(l.host)}</td><td>${sources(l)}</td><td>${l.v1 ? 'MLDv1' : 'MLDv2'}</td>
    <td class="mono">${esc(l.origin)}</td><td class="n">${ago(l.age)}</td><td class="n">${ago(l.expires)}</td></tr>`).join('');
  const left = d.hosts - d.listeners.length;
  return `<table><thead><tr><th>Stream from</th><th>Sent by</th><th>Arrives here</th><th>At the peer</th><th class="n">Bucket</th><th class="n">Packets here</th><th class="n">Bytes here</th></tr></thead>
    <tbody>${streams || '<tr><td colspan="7" class="dim">No stream has come.</td></tr>'}</tbody></table>
    <table><thead><tr><th>Listener</th><th>Sources</th><th>Version</th><th>Heard by</th><th class="n">Heard before</th><th class="n">Expires in</th></tr></thead>
    <tbody>${hosts}</tbody></table>${left > 0 ? `<p class="dim">and ${short(left)} more</p>` : ''}`;
}
