// The picture of the pair: where streams come from, the two devices, what connects
// them, their legs to the switch.
import { ago, esc, sends, short } from './words.js';

const W = 1000, LEFT = 40, BOX = 330, TOP = 80, HIGH = 168, SWITCH = 352;

export function drawPair(svg, left, right) {
  svg.setAttribute('viewBox', `0 0 ${W} 414`);
  svg.innerHTML = upstream(left, right) + between(left, right) + legs(left, LEFT) + legs(right, W - LEFT - BOX) +
    device(left, LEFT) + device(right, W - LEFT - BOX) + access(left, right);
}

const text = (x, y, s, cls = '') => `<text x="${x}" y="${y}" class="${cls}">${esc(s)}</text>`;

function tag(x, y, s, level) {
  const w = 14 + 7.1 * s.length;
  return `<rect class="tag ${level}" x="${x}" y="${y - 15}" width="${w}" height="21" rx="10.5"/>` + text(x + w / 2, y, s, 'mid ' + level);
}

function device(d, x) {
  if (!d) {
    return `<g class="gone"><rect class="box" x="${x}" y="${TOP}" width="${BOX}" height="${HIGH}" rx="12"/>` +
      text(x + BOX / 2, TOP + 80, 'The peer has not told yet', 'mid') +
      text(x + BOX / 2, TOP + 102, 'it will over the replication channel', 'mid sub') + '</g>';
  }
  const role = d.trunks.map(t => t.role).join(', ') || 'no E-Trunk';
  const rows = d.members.slice(0, 2).map((m, i) => member(m, x + 18, TOP + 84 + i * 27));
  const more = d.members.length > 2 ? text(x + 18, TOP + 84 + 50, `and ${d.members.length - 2} more`, 'sub') : '';
  const alarms = d.alarms.length, health = !d.fresh ? '' : d.alarms.some(a => a.severity === 'Critical') ? 'bad' : alarms ? 'warn' : 'good';
  const state = d.fresh ? `${d.here ? 'this device · ' : ''}up ${ago(d.uptime)}` : `not heard for ${ago(d.age)}`;
  return `<g class="${d.fresh ? '' : 'gone'}" data-device="${esc(d.name)}"><rect class="box ${health}" x="${x}" y="${TOP}" width="${BOX}" height="${HIGH}" rx="12"/>` +
    text(x + 18, TOP + 34, d.name, 'name') + text(x + 18, TOP + 54, state, 'sub' + (d.fresh ? '' : ' bad')) +
    tag(x + BOX - 32 - 7.1 * role.length, TOP + 33, role, role.includes('Master') ? 'good' : 'idle') + rows.join('') + more + text(x + 18, TOP + HIGH - 16, `${short(d.totals.entries)} forwarding ${d.totals.entries === 1 ? 'entry' : 'entries'}`, 'sub') +
    text(x + BOX - 18, TOP + HIGH - 16, alarms ? `${alarms} alarm${alarms > 1 ? 's' : ''}` : 'no alarm', `sub end ${d.fresh && alarms ? health : ''}`) + '</g>';
}

function member(m, x, y) {
  const level = m.ready ? 'good' : m.role === 'Backup' ? 'idle' : 'warn';
  return text(x, y, `Eth-Trunk${m.id}`) + tag(x + 88, y, m.ready ? 'ready' : 'not ready', level) +
    text(x + 88 + 22 + 7.1 * (m.ready ? 5 : 9), y, m.ready ? m.role + (m.querier ? ', querier' : '') : m.notReady.slice(0, 24), 'sub');
}

function upstream(left, right) {
  const y = 22, wire = (d, x) => d && `<path class="wire ${d.fresh ? d.upstream?.up ? 'good' : 'bad' : ''}" d="M${W / 2} ${y + 14} C ${W / 2} ${y + 44}, ${x} ${y + 14}, ${x} ${TOP}"/>` +
    (d.fresh && d.upstream?.up ? `<path class="flow" d="M${W / 2} ${y + 14} C ${W / 2} ${y + 44}, ${x} ${y + 14}, ${x} ${TOP}"/>` : '') +
    text(x < W / 2 ? x - 130 : x + 20, TOP - 14, !d.fresh ? '' : d.upstream ? `${d.upstream.name} ${d.upstream.up ? 'up' : 'DOWN'}` : 'no upstream interface', d.upstream?.up ? 'sub' : 'bad');
  return (wire(left, LEFT + BOX / 2) || '') + (wire(right, W - LEFT - BOX / 2) || '') +
    `<rect class="box" x="${W / 2 - 78}" y="${y - 18}" width="156" height="34" rx="17"/>` + text(W / 2, y + 4, 'multicast sources', 'mid');
}

// between draws what the devices hear of each other: as the one that this page is of
// sees it, or else the other.
function between(left, right) {
  const d = left?.here ? left : right?.here ? right : left;
  const x1 = LEFT + BOX, x2 = W - LEFT - BOX;
  const line = (y, label, level, note) => `<path class="wire ${level}" d="M${x1} ${y} H${x2}"/>` +
    text(W / 2, y - 7, label, 'mid') + text(W / 2, y + 17, note, 'mid sub' + (level === 'bad' ? ' bad' : ''));
  const s = d.services[0], t = d.trunks[0], b = d.sessions.find(x => x.name === t?.bfd) ?? d.sessions[0];
  let out = '';
  if (s) out += line(TOP + 34, `RBS ${s.name}`, s.tcp !== 'Connected' ? 'bad' : s.inSync ? 'good' : 'warn',
    s.tcp !== 'Connected' ? s.tcp.toLowerCase() : s.inSync ? `in sync, lag ${short(s.lag)} ms` : 'synchronising');
  if (t) out += line(TOP + 88, `E-Trunk ${t.id}`, t.peerAlive ? t.differences.length ? 'warn' : 'good' : 'bad',
    !t.peerAlive ? `peer lost (${t.reason})` : t.differences.length ? 'configured differently' : 'hears its peer');
  if (b) out += line(TOP + 142, `BFD ${b.name}`, b.state === 'Up' ? 'good' : 'bad', b.state || 'Pending');
  return out;
}

function legs(d, x) {
  if (!d) return '';
  const n = Math.min(d.members.length, 3), middle = x + BOX / 2, right = x > W / 2;
  return d.members.slice(0, n).map((m, i) => {
    const from = middle + (i - (n - 1) / 2) * 26, to = W / 2 + (right ? 1 : -1) * (60 + 24 * (right ? n - 1 - i : i));
    const path = `M${from} ${TOP + HIGH} C ${from} ${SWITCH - 40}, ${to} ${TOP + HIGH + 50}, ${to} ${SWITCH}`;
    const on = d.fresh && m.up && m.covers !== 'none';
    return `<path class="wire ${!d.fresh ? '' : m.up ? on ? 'good' : '' : 'bad'}" d="${path}"/>` +
      (on ? `<path class="flow" d="${path}"/>` : '') + (i === 0 ? label(d, m, middle, right, n) : '');
  }).join('');
}

function label(d, m, middle, right, n) {
  const words = !d.fresh ? 'unknown' : !m.up ? 'leg DOWN' : sends(m.covers) + (n > 1 ? ', …' : '');
  const level = !d.fresh ? 'idle' : !m.up ? 'bad' : m.covers === 'none' ? 'idle' : 'good';
  const x = right ? middle + 4 : middle - 22 - 7.1 * words.length;
  return `<g data-leg="${esc(d.name)}">` + tag(x, TOP + HIGH + 62, words, level) + '</g>';
}

function access(left, right) {
  const t = (left?.here ? left : right ?? left).totals;
  return `<rect class="box" x="${W / 2 - 190}" y="${SWITCH}" width="380" height="58" rx="12"/>` +
    text(W / 2, SWITCH + 24, 'access switch', 'mid') +
    text(W / 2, SWITCH + 44, `${short(t.records)} listener${t.records === 1 ? '' : 's'} of ${short(t.groups)} group${t.groups === 1 ? '' : 's'}`, 'mid sub');
}
