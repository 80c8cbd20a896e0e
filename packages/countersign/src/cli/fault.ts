/** What ends a command. `code` is the exit code: 1 refused or unreachable, 2 not understood, 130 stopped by the user. */
export class Fault extends Error {
  declare readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const misused = (message: string): Fault => new Fault(2, message);
export const failed = (message: string): Fault => new Fault(1, message);
export const stopped = (): Fault => new Fault(130, "Stopped");
