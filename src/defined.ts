/** Object literals whose members may be missing: what `exactOptionalPropertyTypes` asks for, in one place. */

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * The same object without the members that are undefined. `null`, 0 and '' stay.
 *
 * @param members - an object literal of the caller's: undefined members are deleted from it
 */
export function defined<T extends object>(members: T): Present<T> {
  // Deletion sets nothing, so that a setter planted on Object.prototype is not called.
  for (const key of Object.keys(members)) {
    if (members[key as keyof T] === undefined) Reflect.deleteProperty(members, key);
  }
  return members;
}
