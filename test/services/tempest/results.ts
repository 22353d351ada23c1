/** How one test has ended. */
export interface Result {
  /** Its name, without Tempest's marks: `tempest.api.image.v2.test_versions.VersionsTest.test_list_versions`. */
  readonly test: string;
  readonly outcome: 'passed' | 'skipped' | 'failed';
  /** Why it was skipped. */
  readonly detail: string;
}

const LINE = /^\{\d+\} (setUpClass \([^)]+\)|[\w.]+)(?:\[[^\]]*\])?(?: \[[\d.]+s\])? \.\.\. (.*)$/;

/** The results in what `stestr run` prints as it goes. */
export function resultsIn(output: string): readonly Result[] {
  return output.split('\n').flatMap((line): readonly Result[] => {
    const [, test = '', said = ''] = LINE.exec(line) ?? [];
    if (test === '') return [];
    const skipped = /^SKIPPED(?:: (.*))?$/.exec(said);
    if (skipped !== null) return [{ test, outcome: 'skipped', detail: skipped[1] ?? '' }];
    return [{ test, outcome: said === 'ok' ? 'passed' : 'failed', detail: '' }];
  });
}
