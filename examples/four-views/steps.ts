/** Key and value of everything that is there. */
export type Tree = Readonly<Record<string, string>>;

/** What becomes different at once; `undefined` deletes. */
export type Changes = Readonly<Record<string, string | undefined>>;

/** What is written to all stores. */
export interface Step {
  /** 0, 1, 2 … */
  readonly index: number;
  readonly title: string;
  readonly changes: Changes;
  /** What there is then. */
  readonly tree: Tree;
}

const script: readonly { readonly title: string; readonly changes: Changes }[] = [
  { title: 'nothing', changes: {} },
  { title: 'three keys at once', changes: { ams: 'up 1', fra: 'up 2', lis: 'up 3' } },
  { title: 'one of them changes', changes: { fra: 'down' } },
  { title: 'one goes, one comes, one changes', changes: { ams: undefined, fra: 'up 4', zrh: 'up 1' } },
  { title: 'all change', changes: { fra: 'up 9', lis: 'up 9', zrh: 'up 9' } },
  { title: 'one is there again', changes: { ams: 'up 5' } },
  { title: 'all go but one', changes: { ams: undefined, fra: undefined, zrh: undefined } },
  { title: 'the last one, too', changes: { lis: undefined } },
];

/** The first step: whatever an earlier run has left there goes. */
export const firstStep: Step = { index: 0, ...script[0]!, tree: {} };

/** What comes next: the script again and again. */
export function stepAfter({ index, tree }: Step): Step {
  const { title, changes } = script[1 + (index % (script.length - 1))]!;
  return { index: index + 1, title, changes, tree: applied(tree, changes) };
}

/** What makes one tree of another. */
export function differences(from: Tree, to: Tree): Changes {
  const gone = Object.keys(from).filter((key) => !(key in to));
  const news = Object.entries(to).filter(([key, value]) => from[key] !== value);
  return Object.fromEntries([...gone.map((key) => [key, undefined] as const), ...news]);
}

function applied(tree: Tree, changes: Changes): Tree {
  const all: Changes = { ...tree, ...changes };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
