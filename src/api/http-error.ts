/**
 * An answer to the client that ends a handler: its message is the body, as plain text without a line feed. For
 * refusals of the request itself; a command of the catalog that refuses throws `request.rejected` (500, as Consul).
 */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.headers = headers;
  }
}

export function badRequest(message: string): HttpError {
  return new HttpError(400, message);
}
