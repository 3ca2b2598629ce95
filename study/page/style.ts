/** How a report looks: on a screen of any width, and on paper. */

export const style = `
:root { --ink: #1f2328; --grey: #6b7280; --line: #e5e7eb; --soft: #f6f7f8; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: white; font: 16px/1.55 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 52px 0 6px; letter-spacing: -0.005em; }
h3 { font-size: 16px; margin: 26px 0 6px; }
p, ul { max-width: 72ch; margin: 0 0 12px; }
ul { padding-left: 20px; }
li { margin: 0 0 6px; }
.quiet { color: var(--grey); font-size: 14.5px; }
.findings li { font-size: 17px; }
.better { color: #1a7f5a; font-weight: 600; }
.worse { color: #b42318; font-weight: 600; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(330px, 100%), 1fr)); gap: 22px 28px; margin-top: 14px; }
.panel { margin: 0; min-width: 0; break-inside: avoid; }
.panel figcaption { border-top: 1px solid var(--line); padding-top: 8px; margin-bottom: 2px; font-size: 14.5px; }
.panel figcaption span { display: block; color: var(--grey); font-size: 13px; }
.panel svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
.tick { fill: var(--grey); font-size: 11px; }
.scroll { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 12px 5px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: white; padding-right: 18px; }
th { font-weight: 600; vertical-align: bottom; }
tr.reference td { color: var(--grey); font-style: italic; }
td small { color: var(--grey); font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; margin: 10px 0 0; padding: 0; list-style: none; max-width: none; }
i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 6px; }
.controls { display: flex; flex-wrap: wrap; gap: 10px 24px; align-items: center; margin: 12px 0 16px; font-size: 14.5px; }
.controls label { display: flex; align-items: center; gap: 8px; }
.controls output { min-width: 5ch; color: var(--grey); font-variant-numeric: tabular-nums; }
button, select { font: inherit; color: inherit; background: white; border: 1px solid #c9cdd2; border-radius: 6px; padding: 4px 12px; }
button { min-width: 76px; cursor: pointer; }
select { max-width: 260px; padding: 4px 8px; }
input[type="range"] { accent-color: var(--ink); width: 130px; }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: 16px; max-width: 620px; }
.clip { margin: 0; break-inside: avoid; }
.clip figcaption { font-size: 13.5px; margin-top: 5px; }
.screen { overflow: hidden; aspect-ratio: var(--aspect); background: var(--soft); border-radius: 4px; }
.screen img { display: block; image-rendering: pixelated; width: calc(100% * var(--frames)); max-width: none;
  transform: translate(calc(-100% * var(--frame) / var(--frames)), calc(-100% * var(--row) / var(--rows))); }
.screen img[hidden] { display: none; }
pre { background: var(--soft); padding: 10px 12px; border-radius: 6px; overflow-x: auto; font: 13px/1.5 ui-monospace, monospace; margin: 8px 0; }
pre b { color: var(--grey); font-weight: 400; user-select: none; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
details { margin: 6px 0; }
summary { cursor: pointer; color: var(--grey); font-size: 14.5px; }
@media (max-width: 600px) { main { padding: 24px 16px 48px; } h1 { font-size: 23px; } .clips { grid-template-columns: repeat(3, 1fr); gap: 12px; } input[type="range"] { width: 120px; } }
@media print { .controls { display: none; } main { max-width: none; padding: 0; } body { font-size: 11pt; } details > *:not(summary) { display: block; } h2 { break-after: avoid; } .scroll { overflow: visible; } th, td { white-space: normal; } }
`;
