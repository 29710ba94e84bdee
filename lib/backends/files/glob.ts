/** A backslash takes a sign for what it is; before anything else it is one itself. */
const escaped = /\\([*?{},[\]\\])/g;

/** Whether a path names many: by `*`, `**`, `?` or `{a,b}`. */
export function isGlob(path: string): boolean {
  return /[*?{]/.test(path.replace(escaped, ''));
}

/** The name that stands for itself. */
export function unescaped(path: string): string {
  return path.replace(escaped, '$1');
}

/**
 * What a glob matches, among paths with `/` between their names: `*` and `?` any characters of a name, `**` as a name of its
 * own any directories, also none, `{a,b}` one of these. A backslash before such a sign: the sign itself.
 */
export function globPattern(glob: string): RegExp {
  let source = '';
  let braces = 0;
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    const literal = /^\\([*?{},[\]\\])/.exec(glob.slice(at, at + 2))?.[1];
    if (literal !== undefined) {
      source += quoted(literal);
      at++;
      continue;
    }
    const startsName = at === 0 || glob[at - 1] === '/';
    if (startsName && glob.startsWith('**/', at)) {
      source += '(?:[^/]+/)*';
      at += 2;
    } else if (startsName && glob.slice(at) === '**') {
      source += '.+';
      at++;
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '{') {
      braces++;
      source += '(?:';
    } else if (char === '}' && braces > 0) {
      braces--;
      source += ')';
    } else if (char === ',' && braces > 0) source += '|';
    else source += quoted(char);
  }
  return new RegExp(`^${source}${')'.repeat(braces)}$`, 'u');
}

function quoted(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
}

/** The part of a glob before its first name with a special character, and the rest. */
export function splitGlob(glob: string): { readonly base: string; readonly rest: string } {
  const names = glob.split('/');
  const first = names.findIndex(isGlob);
  return { base: unescaped(names.slice(0, first).join('/')), rest: names.slice(first).join('/') };
}

/** Whether one of the patterns leaves a path out: one without a slash goes by the name, at any depth; others by the whole path. */
export function ignoredBy(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((pattern) => {
    const whole = globPattern(pattern.replace(/^\/|\/$/g, ''));
    return /\/./.test(pattern)
      ? (path: string) => whole.test(path)
      : (path: string) => whole.test(path.slice(path.lastIndexOf('/') + 1));
  });
  return (path) => tests.some((test) => test(path));
}
