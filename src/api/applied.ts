import { isMusterError } from '../errors.ts';
import { HttpError } from './http-error.ts';

/** Passes a commit on; a refusal of the catalog is 500 with `prefix` before its words, as Consul says it. */
export async function applied<T>(commit: Promise<T>, prefix = 'apply failed: '): Promise<T> {
  try {
    return await commit;
  } catch (error) {
    if (isMusterError(error, 'request.rejected')) throw new HttpError(500, `${prefix}${error.message}`);
    throw error;
  }
}
