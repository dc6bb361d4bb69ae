// A certified OpenID Connect provider for the tests: `node provider.mjs SETTINGS.json`. Anybody whom `people` names logs in with any
// password on the pages that oidc-provider has for trying it out. Keys and sessions live in memory alone.
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const { issuer, port, client, people } = JSON.parse(readFileSync(process.argv[2], "utf8"));

const provider = new Provider(issuer, {
  clients: [{ ...client, response_types: ["code"], grant_types: ["authorization_code"] }],
  pkce: { required: () => true },
  scopes: ["openid", "profile", "email"],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"], email: ["email"] },
  findAccount: (_context, id) => {
    const person = people[id];
    return person && { accountId: id, claims: () => ({ sub: id, ...person }) };
  },
  features: { rpInitiatedLogout: { enabled: true } },
  cookies: { keys: ["only for tests"] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
});

provider.on("server_error", (_context, error) => console.error(error));
provider.listen(port, "127.0.0.1", () => console.log("ready"));
