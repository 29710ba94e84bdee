import type { Diagram } from './parse.ts';

/** A diagram and the text it is drawn from. */
export interface Drawn {
  readonly diagram: Diagram;
  readonly text: string;
}

/** `marbles/README.md`: how to read and write the diagrams, and all of them. */
export function gallery(drawn: readonly Drawn[]): string {
  const sections = drawn.map(({ diagram: { name, caption }, text }) =>
    [
      `## ${name}`,
      ...caption,
      `![The marbles of ${name}](${name}.svg)`,
      `<details><summary>${name}.marble</summary>`,
      `\`\`\`\n${text.trimEnd()}\n\`\`\``,
      '</details>',
    ].join('\n\n'),
  );
  return `${[head, ...sections].join('\n\n')}\n`;
}

const head = `# Marbles

Each picture is drawn from a text, and the same text is run as a test: \`npm run marbles\` draws, \`npm test\` runs them and
fails on a picture that is stale. Do not edit this page or the pictures.

Time goes right, one virtual millisecond per column. A square is a whole snapshot, a circle a change: green puts, red deletes,
half and half does both; a second ring is a transaction of several keys. Under each stand the value and the revision.
Operators stand between the rows. Where an outcome is told, a dotted arrow shows when it goes back up: applied, failed or timed out.

## The text

\`\`\`
% Prose: the caption.

-R-a-b------c-|         the first row goes in; one frame per character, as in the TestScheduler of rxjs
title = source
R := {x:1}@7            what the letters stand for, also in the rows below
a := x:2@8
b := x:3@9
c := !x@10

-------1-------         further rows are hot, and in scope of the expressions under their titles
title = applied

> bufferDuringResync(() => applied)

-R-----(ab)-c-|         what must come out; further stages may follow
title = result
\`\`\`

- A capital is a whole (a snapshot, a state), a small letter one change, a digit a signal. \`#\` ends a row with an error: \`# := its text\`.
- An expression is JavaScript with everything that \`rx-datasync\` and \`rxjs\` export in scope. It may go on in lines that start with \`>\`.
- The pipeline is subscribed once: each row shows what passes there while the stages below do their work.
- \`subs = ^---!\` under a row that goes in: when it must be subscribed. \`unsub = ^---!\` under the last row: when it is unsubscribed.
- \`without = I9 I12\` under a stage: it is dropped (for \`ackWithCallback\`, \`concatMap\` over the same work takes its place; for
  \`orderedResync\`, one \`ackWithCallback\` that does the work of all consumers at once), and then
  exactly these invariants must fail for what reaches the consumer, and none with the stage in place.

Values are written in the notation of \`rx-datasync/testing\`:

| text | means |
|---|---|
| \`{x:1 y:2}@7\` | resync at revision 7; with a reason \`{x:1}@7 nacked\` |
| \`{x:1 +y:2 z:3>4 !w:5}@9 requested\` | resync with its diff: y is new, z was 3, w is gone and was 5, x is as before |
| \`x:3@8\` \`x:2>3@8\` | put; with the previous value |
| \`!y@9\` \`!y:2@9\` | delete; with the previous value |
| \`x:1,!y@8\` | one transaction |
| \`x:?@8\` \`x:1?@8\` | rejected; 1 stays in force |
| \`~x:3@8\` | coalesced |
| \`{x:1}\` | a state |
| \`{routes:applied rules:failed}\` | how an event ended, by consumer |
| \`{x:1}@7 applied\` \`x:3@8 failed "no route"\` | an event and its outcome |`;
