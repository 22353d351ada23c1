import type { Secret } from './secret.js';

/** An account at an OpenStack identity service, as the schema `serviceAccount()` reads it. */
export type ServiceAccount =
  | {
      readonly url: string;
      readonly application_credential_id: string;
      readonly application_credential_secret: Secret;
    }
  | {
      readonly url: string;
      readonly username: string;
      readonly password: Secret;
      readonly user_domain: string;
      readonly project: string;
      readonly project_domain: string;
    };
