// A recording of a terminal as a picture: scripts/demo | node packaging/recording.mjs docs/demo.svg. What it shows is what was
// printed, line by line at its time; sections that are too long for a picture are left out, with … in their place.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const columns = 116;
const [lineHeight, charWidth, margin] = [18, 7.8, 16];
/** Sections by the demo's numbers. */
const leftOut = new Set(['3', '6']);
/** The time of a line is told from the start of its section in these, else the section's own. */
const sectionLine = /^ +([\d.]+) s {2}(\d)\. /;
const stepLine = /^ +\+ ([\d.]+) s {2}/;
const oneOfMany = / {2}connection from /;
/** Nobody wants to wait as long as the machine did. */
const longestPauseSeconds = 1.5;

/** The lines that are shown, with the seconds after which each appears. */
export function timeLines(text) {
  const shown = [];
  let [section, before, at] = ['', 0, 0];
  const show = (line) => shown.push({ at: Math.round(at * 100) / 100, text: shorten(line) });
  for (const line of text.trimEnd().split('\n')) {
    const [, , number] = sectionLine.exec(line) ?? [];
    if (number !== undefined) [section, before] = [number, 0];
    if (leftOut.has(section) && number !== undefined) ['  …', ''].forEach(show);
    if (leftOut.has(section) || oneOfMany.test(line)) continue;
    const step = stepLine.exec(line)?.[1];
    if (step !== undefined) {
      at += Math.min(longestPauseSeconds, Math.max(0, Number(step) - before));
      before = Number(step);
    } else if (number !== undefined) at += longestPauseSeconds;
    show(line);
  }
  return shown;
}

function shorten(line) {
  return [...line].length <= columns ? line : `${[...line].slice(0, columns - 1).join('')}…`;
}

/** The picture. A viewer that knows no animation shows all lines at once. */
export function picture(lines) {
  const [width, height] = [columns * charWidth + 2 * margin, (lines.length + 1) * lineHeight + 2 * margin];
  const rows = [{ at: 0, text: '# scripts/demo' }, ...lines].map(({ at, text }, index) => {
    if (text.trim() === '') return '';
    const y = margin + (index + 0.75) * lineHeight;
    return `<text x="${margin}" y="${y}" class="${kindOf(text)}" style="animation-delay:${at}s">${escape(text)}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>scripts/demo: a node joins a cluster through the tunnel</title>
<style>
text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; fill: #d0d7de;
  animation: appear 0.01s both }
.command { fill: #ffffff; font-weight: bold }
.section { fill: #79c0ff; font-weight: bold }
.yes { fill: #7ee787 }
.no { fill: #ff7b72 }
@keyframes appear { from { opacity: 0 } to { opacity: 1 } }
@media (prefers-reduced-motion) { text { animation: none } }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${rows.join('')}</svg>
`;
}

function kindOf(text) {
  if (text.startsWith('# ')) return 'command';
  if (sectionLine.test(text)) return 'section';
  return /^ +(yes|NO) {2}/.exec(text)?.[1].toLowerCase() ?? 'line';
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , file] = process.argv;
  if (file === undefined) throw new Error('expected the name of the picture');
  writeFileSync(file, picture(timeLines(readFileSync(0, 'utf8'))));
}
