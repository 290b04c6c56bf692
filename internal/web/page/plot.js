// Plots of the last minutes, a quarter of an hour at the most, drawn anew each second.
import { ago, esc, short } from './words.js';

const H = 150, PAD = { left: 58, right: 8, top: 8, bottom: 20 };

function frame(svg, span) {
  const w = svg.clientWidth || 360;
  svg.setAttribute('viewBox', `0 0 ${w} ${H}`);
  const inner = w - PAD.left - PAD.right, x = s => PAD.left + inner * (1 + s / span); // s seconds from now, negative
  const marks = [3, 2, 1, 0].map(third => `<text x="${x(-span * third / 3)}" y="${H - 4}" text-anchor="${third === 3 ? 'start' : third ? 'middle' : 'end'}">${third ? '−' + ago(span * third / 3 * 1000) : 'now'}</text>`);
  return { x, w, axis: marks.join('') };
}

// spanOf is how many seconds to show: what there is, in steps that seldom change.
export function spanOf(samples, now) {
  const age = samples.length ? (now - samples[0].at) / 1000 : 0;
  return [120, 300, 600].find(s => s >= age) ?? 900;
}

// nice is the next of 1, 2, 5, 10, 20, 50 ... that is not below v.
function nice(v) {
  const p = 10 ** Math.floor(Math.log10(Math.max(v, 1)));
  return [1, 2, 5, 10].map(f => f * p).find(n => n >= v) ?? 10 * p;
}

function grid(top, w, unit) {
  const y = v => H - PAD.bottom - (H - PAD.top - PAD.bottom) * v / top;
  const lines = [0, .5, 1].map(f => `<line class="grid" x1="${PAD.left}" x2="${w - PAD.right}" y1="${y(f * top)}" y2="${y(f * top)}"/>` +
    `<text x="${PAD.left - 6}" y="${y(f * top) + 4}" text-anchor="end">${esc(unit(f * top))}</text>`);
  return { y, lines: lines.join('') };
}

export function drawLines(svg, samples, series, span, unit) {
  const { x, w, axis } = frame(svg, span);
  const now = samples.at(-1)?.at ?? Date.now();
  const top = nice(Math.max(1, ...samples.flatMap(s => series.map(([, of]) => of(s)))));
  const { y, lines } = grid(top, w, unit);
  const paths = series.map(([, of], i) => {
    const points = samples.map(s => `${x((s.at - now) / 1000).toFixed(1)} ${y(of(s)).toFixed(1)}`);
    if (!points.length) return '';
    const area = i ? '' : `<path class="area" d="M${x((samples[0].at - now) / 1000)} ${y(0)} L${points.join(' L')} L${x(0)} ${y(0)} Z"/>`;
    return area + `<path class="s${i}" d="M${points.join(' L')}"/>`;
  });
  const keys = series.map(([name], i) => name && `<text class="key${i}" x="${PAD.left + 8 + i * 60}" y="${PAD.top + 10}">${esc(name)}</text>`);
  svg.innerHTML = lines + axis + paths.join('') + keys.join('');
}

// drawGaps shows each change of what is sent: how long the gap was at most where the
// peer was lost, and that there was none where one device handed over to the other.
export function drawGaps(svg, handovers, now, span) {
  const { x, w, axis } = frame(svg, span);
  const recent = handovers.filter(h => now - h.at < span * 1000);
  const top = nice(Math.max(10, ...recent.map(h => h.gap)));
  const { y, lines } = grid(top, w, ms => short(ms) + ' ms');
  const marks = recent.map(h => {
    const at = x((h.at - now) / 1000), lost = h.gap >= 0;
    const title = `<title>${esc(`${h.name}: ${h.from} → ${h.to}, ${h.reason}, ${ago(now - h.at)} ago` + (lost ? `, gap at most ${short(h.gap)} ms` : ', handed over without a gap'))}</title>`;
    return lost ? `<rect class="gap" x="${at - 2.5}" y="${y(h.gap)}" width="5" height="${Math.max(2, y(0) - y(h.gap))}" rx="1.5">${title}</rect>`
      : `<circle class="planned" cx="${at}" cy="${y(0) - 4}" r="3.5">${title}</circle>`;
  });
  const last = recent.find(h => h.gap >= 0);
  const note = last ? `last gap: at most ${short(last.gap)} ms, ${ago(now - last.at)} ago` : recent.length ? 'no gap' : 'none in this time';
  svg.innerHTML = lines + axis + marks.join('') + `<text x="${w - PAD.right}" y="${PAD.top + 10}" text-anchor="end" id="last-gap">${esc(note)}</text>`;
}
