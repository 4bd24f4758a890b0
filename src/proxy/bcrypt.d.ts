/** The one call that is used. */
declare module 'bcrypt' {
  const bcrypt: { compare(password: string, hash: string): Promise<boolean> };
  export default bcrypt;
}
