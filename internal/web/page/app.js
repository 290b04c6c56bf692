// The page: it is told how both devices are (api/live) and draws that.
import { drawPair } from './pair.js';
import { drawGaps, drawLines, spanOf } from './plot.js';
import { drawProofs, drawReload } from './proofs.js';
import { startGroups } from './groups.js';
import { verdict, FRESH } from './verdict.js';
import { $, ago, clock, esc, short } from './words.js';

const DEPTH = 900; // samples that are kept, one a second
const EVENTS = 100;
let samples = [], events = [], glance = null, heard = 0;

// Devices stand on the same side on both devices' pages.
function sides(g) {
  const fresh = g.peer && g.peerAge < FRESH;
  const self = { ...g.self, here: true, fresh: true };
  const peer = g.peer ? { ...g.peer, fresh, age: g.peerAge } : null;
  if (!peer) return [self, null];
  const order = self.name.localeCompare(peer.name) || self.id.localeCompare(peer.id);
  return order < 0 ? [self, peer] : [peer, self];
}

function draw() {
  if (!glance) return;
  const [left, right] = sides(glance);
  const v = verdict(glance);
  const box = $('verdict');
  box.className = 'verdict ' + v.level;
  box.querySelector('h1').textContent = v.title;
  box.querySelector('p').textContent = v.text;
  document.title = { good: '● ', warn: '▲ ', bad: '✖ ' }[v.level] + glance.self.name + ' · Tandem';
  $('where').textContent = `${glance.self.name} · ${glance.self.version || 'unknown version'} · up ${ago(glance.self.uptime)}`;
  drawPair($('pair'), left, right);
  drawNumbers();
  const span = spanOf(samples, glance.self.at);
  drawLines($('plot-joins'), samples, [['joins', s => s.joins], ['leaves', s => s.leaves]], span, short);
  drawLines($('plot-lag'), samples, [['', s => s.self.lag]], span, ms => short(ms) + ' ms');
  drawGaps($('plot-gaps'), handovers(), glance.self.at, span);
  drawProofs([left, right]);
  drawReload(glance);
  drawAlarms();
  drawEvents();
}

function handovers() {
  const list = glance.self.handovers.map(h => ({ ...h, name: glance.self.name }));
  if (glance.peer) list.push(...glance.peer.handovers.map(h => ({ ...h, name: glance.peer.name })));
  return list.sort((a, b) => b.at - a.at);
}

function drawNumbers() {
  const t = glance.self.totals, last = samples.at(-1) ?? { joins: 0, leaves: 0 };
  const rows = [['Groups', short(t.groups)], ['Listeners', short(t.records)], ['Forwarding entries', short(t.entries)],
    ['Joins a second', short(last.joins)], ['Leaves a second', short(last.leaves)],
    ['Not replicated', short(t.lagRecords)], ['Orphans', short(t.orphans)]];
  $('numbers').innerHTML = rows.map(([name, value]) => `<div><b>${value}</b><span class="dim">${name}</span></div>`).join('');
}

function drawAlarms() {
  const list = glance.self.alarms.map(a => ({ ...a, name_: glance.self.name }));
  if (glance.peer && glance.peerAge < FRESH) list.push(...glance.peer.alarms.map(a => ({ ...a, name_: glance.peer.name })));
  $('alarms').innerHTML = list.map(a =>
    `<div class="alarm ${a.severity === 'Minor' ? 'warn' : 'bad'}"><b>${esc(a.name)}</b>
     <span class="dim">${esc(a.name_)} · ${esc(a.severity)} · for ${ago(glance.self.at - a.since)}</span>
     <p>${esc(a.text)} <span class="dim">${esc([a.object, a.detail].filter(Boolean).join(', '))}</span></p></div>`).join('') ||
    '<p class="good">None on either device.</p>';
}

let shown = 0; // number of the event that was drawn last
function drawEvents() {
  const newest = events[0]?.number ?? 0;
  if (newest === shown && newest) return;
  $('events').innerHTML = events.map(e => `<li class="${shown && e.number > shown ? 'new' : ''}"><span class="dim mono">${clock(e.at)}</span>
    <span><span class="${e.severity < 4 ? 'bad' : e.severity === 4 ? 'warn' : ''}">${esc(e.name)}</span> <span class="dim">${esc(e.facts.replace(/(, )?\w+=(?=,|$)/g, ''))}</span></span></li>`).join('');
  shown = newest;
}

function pill(level, text) {
  $('link').className = 'pill ' + level;
  $('link').textContent = text;
}

async function start() {
  const h = await (await fetch('api/history')).json();
  samples = h.samples;
  events = h.events;
  const live = new EventSource('api/live');
  live.onmessage = m => {
    glance = JSON.parse(m.data);
    heard = Date.now();
    const last = samples.at(-1)?.at ?? 0;
    samples = samples.concat(glance.samples.filter(s => s.at > last)).slice(-DEPTH);
    const newest = events[0]?.number ?? 0;
    events = glance.events.filter(e => e.number > newest).reverse().concat(events).slice(0, EVENTS);
    pill('good', 'live');
    draw();
  };
  live.onerror = () => lost();
  setInterval(() => { if (Date.now() - heard > 3 * 1000) lost(); }, 500);
}

function lost() {
  if (heard && Date.now() - heard < 1500) return;
  pill('bad', heard ? `lost for ${ago(Date.now() - heard)}` : 'no connection');
  const box = $('verdict');
  box.className = 'verdict bad';
  box.querySelector('h1').textContent = 'This device does not answer';
  box.querySelector('p').textContent = 'What stands below is old. Look at the page of its peer.';
}

function theme() {
  const root = document.documentElement;
  const asked = localStorage.getItem('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  root.dataset.theme = asked;
  $('theme').onclick = () => {
    root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
  };
}

theme();
startGroups();
start().catch(() => { lost(); setTimeout(() => location.reload(), 5000); });
