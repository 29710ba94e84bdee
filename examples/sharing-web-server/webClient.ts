/** What the server writes as JSON. */
export interface Received {
  readonly type: 'resync' | 'change';
  readonly epoch: number;
  readonly entries?: readonly { readonly key: string; readonly value: string }[];
  readonly changes?: readonly { readonly op: 'put' | 'delete'; readonly key: string; readonly value?: string }[];
}

/** One client: a browser would use `new EventSource(url)`. */
export class WebClient {
  readonly #controller = new AbortController();
  readonly #url: string;
  #messages: AsyncIterator<Received> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** The next event; connects first. */
  async next(): Promise<Received> {
    this.#messages ??= messagesOf(await fetch(this.#url, { signal: this.#controller.signal }));
    const message = await this.#messages.next();
    if (message.done === true) throw new Error('the server closed the connection');
    return message.value;
  }

  close(): void {
    this.#controller.abort();
  }
}

async function* messagesOf(response: Response): AsyncGenerator<Received> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) yield JSON.parse(message.replace(/^event: .*\ndata: /, '')) as Received;
  }
}
