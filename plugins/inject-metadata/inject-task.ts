import { PermanentError, unmetCondition } from '../../core/api.js';
import type {
  ConditionSubject,
  Image,
  ImportTask,
  PluginSite,
  TaskContext,
  TaskResult,
  TaskView,
} from '../../core/api.js';
import type { InjectConfig, InjectRule } from './inject-config.js';

/** Proposes the properties that the deployer wants images like this one to have. */
export class InjectTask implements ImportTask {
  constructor(
    private readonly config: InjectConfig,
    private readonly site: Pick<PluginSite, 'maxProperties'>,
  ) {}

  skipReason(view: TaskView): string | undefined {
    const { status } = view.image;
    if (status === 'active' || status === 'deactivated')
      return 'The image is active: a copy changes nothing of it';
    const reasons = this.config.rules.map((rule) => unmet(rule, view));
    const [first] = reasons;
    if (reasons.some((reason) => reason === undefined)) return undefined;
    return reasons.length === 1 ? first : `None of ${reasons.length} rules holds for this import`;
  }

  execute(context: TaskContext): Promise<TaskResult> {
    return new Promise((resolve) => {
      const { image } = context;
      const properties = this.#injected(context);
      this.#assertFits(image, properties);
      const names = Object.keys(properties);
      context.log.info('Injected properties', { properties: names });
      resolve({ draft: { properties }, output: { properties: names } });
    });
  }

  #injected(view: TaskView): Readonly<Record<string, string>> {
    const injected: Record<string, string> = {};
    for (const rule of this.config.rules) {
      if (unmet(rule, view) !== undefined) continue;
      for (const [name, value] of Object.entries(rule.properties)) {
        const isSet = Object.hasOwn(view.image.properties, name);
        if (rule.existing === 'replace' || !isSet) injected[name] = value;
      }
    }
    return injected;
  }

  /** @throws {PermanentError} `PROPERTIES_EXCEEDED` */
  #assertFits({ properties: own }: Image, injected: Readonly<Record<string, string>>): void {
    const before = Object.keys(own).length;
    const after = Object.keys({ ...own, ...injected }).length;
    const { maxProperties } = this.site;
    if (after <= maxProperties || after === before) return;
    throw new PermanentError({
      code: 'PROPERTIES_EXCEEDED',
      message: `With the properties that are set here the image would have ${after}; ${maxProperties} are allowed`,
      hint: `Remove ${after - maxProperties} properties from the image and import it again`,
    });
  }
}

/** Why a rule is not for this import. */
function unmet({ when, unless }: InjectRule, view: TaskView): string | undefined {
  const subject = subjectOf(view);
  const reason = unmetCondition(when, subject);
  if (reason !== undefined) return reason;
  const isExcepted = unless !== undefined && unmetCondition(unless, subject) === undefined;
  return isExcepted ? 'Imports like this one are excepted' : undefined;
}

function subjectOf({ image, caller, request, data }: TaskView): ConditionSubject {
  return { image, caller, method: request.method, stores: request.stores, size: data?.size };
}
