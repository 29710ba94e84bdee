/** Colours by role; `ink` is written on top of the filled shapes. */
const light = {
  paper: '#ffffff',
  edge: '#d8dee8',
  text: '#1b2432',
  muted: '#5d6b80',
  faint: '#e3e8f0',
  axis: '#8895a9',
  box: '#f3f6fa',
  ink: '#ffffff',
  snapshot: '#2862d9',
  put: '#178043',
  delete: '#c62f38',
  state: '#7a45c9',
  signal: '#64748b',
  rejected: '#b26205',
} as const;

const dark: Record<keyof typeof light, string> = {
  paper: '#10161f',
  edge: '#2c3646',
  text: '#e4e9f1',
  muted: '#9aa7ba',
  faint: '#242e3c',
  axis: '#6f7d92',
  box: '#1a2330',
  ink: '#0b1018',
  snapshot: '#75a7ff',
  put: '#55c983',
  delete: '#ff8087',
  state: '#bd97ff',
  signal: '#9aa7ba',
  rejected: '#f2b04d',
};

const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const sans = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

const fixed = [
  `text{font:11px ${mono};text-anchor:middle}`,
  `.title{font:italic 13px ${sans}}`,
  '.title,.start{text-anchor:start}',
  '.letter{font-size:13px;font-weight:700}',
  '.code{font-size:13px;font-weight:600}',
  '.halo{stroke-width:4;paint-order:stroke;stroke-linejoin:round}',
  '.axis,.line{stroke-width:1.5;fill:none}',
  '.thick{stroke-width:2.5}',
  '.group{stroke-dasharray:3 3}',
  '.rim{stroke-width:1.5}',
  '.sign{stroke-width:1.8;fill:none;stroke-linecap:round;stroke-linejoin:round}',
];

/** The style sheet inside each picture; it follows the reader's colour scheme. */
export function styleSheet(): string {
  // Classes rather than custom properties: some renderers of SVG files know none.
  return `${fixed.join('')}${coloured(light)}@media (prefers-color-scheme:dark){${coloured(dark)}}`;
}

function coloured(colours: Record<keyof typeof light, string>): string {
  const { paper, edge, text, muted, faint, axis, box, ink } = colours;
  const roles = ['snapshot', 'put', 'delete', 'state', 'signal', 'rejected'] as const;
  return [
    `.paper{fill:${paper};stroke:${edge}}`,
    `.title,.value,.code{fill:${text}}`,
    `.muted{fill:${muted}}`,
    `.letter{fill:${ink}}`,
    `.halo,.rim{stroke:${paper}}`,
    `.guide{stroke:${faint}}`,
    `.axis{stroke:${axis}}`,
    `.head{fill:${axis}}`,
    `.box,.group{fill:${box};stroke:${axis}}`,
    `.sign{stroke:${ink}}`,
    ...roles.map((role) => `.${role}{fill:${colours[role]}}.line.${role}{stroke:${colours[role]};fill:none}`),
  ].join('');
}
