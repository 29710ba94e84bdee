import { createServer, type Server } from 'node:http';
import { ackWithCallback, bufferDuringResync, type DatasyncEvent, type Source } from 'rx-datasync';
import { fromEvent, type Observable, take } from 'rxjs';

/** Tells each client the events as Server-Sent Events. A client whose socket is full holds up nobody but itself. */
export function webServer(events: Source<unknown>): Server {
  return createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const send = (event: DatasyncEvent<unknown>): Observable<unknown> | undefined => {
      const hasRoom = response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      return hasRoom ? undefined : fromEvent(response, 'drain').pipe(take(1));
    };
    const client = events.pipe(bufferDuringResync(), ackWithCallback({ resync: send, change: send })).subscribe({
      error: (error: unknown) => response.destroy(error as Error),
    });
    response.on('close', () => client.unsubscribe());
  });
}
