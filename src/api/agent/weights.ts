/** What is wrong with the weights of an instance, in Consul's words. */
export function weightsFault(passing: number, warning: number): string | undefined {
  if (passing < 1) return 'Passing must be greater than 0';
  if (warning < 0) return 'Warning must be greater or equal than 0';
  return passing > 65535 || warning > 65535 ? 'DNS Weight must be between 0 and 65535' : undefined;
}
