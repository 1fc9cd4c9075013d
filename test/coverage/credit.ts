/**
 * Which modules a test is credited for, both as paths without ending below src/ and test/: the module of the same name, and
 * those of its room that have no test of their own name. What a test happens to run elsewhere proves little about it.
 * @param moduleNames every module, such as `plan/donor`
 * @param testNames every test, such as `plan/donor` or `sst-script/idle`
 */
export function creditsOf(
  testName: string,
  moduleNames: readonly string[],
  testNames: readonly string[],
): string[] {
  const named = moduleNames.filter((name) => name === testName);
  const orphans = moduleNames.filter(
    (name) => !testNames.includes(name) && roomsTesting(roomOf(name)).includes(roomOf(testName)),
  );
  return [...named, ...orphans];
}

/** A module that lies in no folder is a room of its own. */
const roomOf = (name: string): string => (name.includes('/') ? name.slice(0, name.indexOf('/')) : name);

/** A transfer is two scripts that talk: the tests that let them are in the script's room. */
const roomsTesting = (room: string): string[] => (room === 'transfers' ? [room, 'sst-script'] : [room]);
