/** Runs before each file of unit tests: what an earlier one loaded in this process, and left in its modules, is loaded anew. */
import { vi } from 'vitest';

vi.resetModules();
