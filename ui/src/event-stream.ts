/** One server-sent event. */
export interface StreamEvent {
  readonly name: string;
  readonly text: string;
}

/**
 * Server-sent events taken out of what comes in pieces (HTML, 9.2.6; lines end with LF, as our agent writes them).
 * The browser's own reader cannot send a token.
 */
export class EventReader {
  #rest = '';

  /** The events that are whole with this piece. */
  push(piece: string): StreamEvent[] {
    const parts = (this.#rest + piece).split('\n\n');
    this.#rest = parts.pop() ?? '';
    return parts.flatMap((part) => {
      let name = 'message';
      const data: string[] = [];
      for (const line of part.split('\n')) {
        if (line.startsWith('event:')) name = line.slice(6).trim();
        else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
      return data.length === 0 ? [] : [{ name, text: data.join('\n') }];
    });
  }
}
