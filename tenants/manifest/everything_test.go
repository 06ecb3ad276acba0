package manifest_test

const everythingYAML = `
version: 1
tenants:
  - slug: whole
    name: Whole
    host: whole.example.test
    redirect_hosts: [old.example.test]
    suspended: true
    policy:
      default_resource: https://api.example.test
      session_lifetime: 10h
      remembered_session_lifetime: 100h
      no_keep_signed_in: true
      signing_key_rotation: 720h
      session_idle: 1h
      privacy_url: https://example.test/privacy
      terms_url: https://example.test/terms
      sign_up: open
      email_verification: required
      second_factor: required
      second_factor_deadline: "2030-01-31"
      email_code: true
      email_recovery: true
      no_passkeys: true
      no_remember_device: true
      remember_device: 240h
      deletion_grace: 48h
      default_roles: [reader]
      attributes: [{name: shoe_size, label: Shoe size, type: number, read_only: true, required: true, claim: shoe, scope: shoes}, {name: team, label: Team, type: string, options: [red, blue]}]
      personal_organizations: true
      personal_plan: free
      personal_trial_days: 14
      create_organizations: true
      organization_grace: 72h
      invitation_quota: 7
      event_retention: 2160h
    branding: {logo_url: /assets/a.png, accent: "#0a5fd8"}
    mail: {from_name: Whole, reply_to: help@example.test, language: de, templates: {verify: {en: {subject: "Your code for {{.Tenant}}", text: "{{.Code}}"}}}}
    resources:
      - {identifier: https://api.example.test, name: API, scopes: [read, {name: write, description: Write}], permissions: ["things:read"], token_format: jwt, signing_alg: ES256}
      - {identifier: https://other.example.test, token_format: opaque}
    roles: [{name: reader, permissions: ["things:read", "tenant:read"]}]
    connections:
      - {id: google, kind: google, name: Google, client_id: us, client_secret: {env: LANYARD_CONNECTION_GOOGLE_CLIENT_SECRET}, hosted_domain: example.test, order: 2, tested: true}
      - id: corp
        kind: oidc
        name: Corp
        issuer: https://corp.example.test
        client_id: us
        token_endpoint_auth_method: private_key_jwt
        private_key: {env: LANYARD_CONNECTION_CORP_PRIVATE_KEY}
        scopes: [openid, email]
        algorithms: [ES256]
        userinfo: true
        enabled: false
        sign_in: false
        sign_up: false
        linking: false
        trusted_for_mfa: true
        acr_mapping: {high: "2"}
        claim_mapping: {name: display_name}
      - {id: ms, kind: microsoft, name: Microsoft, client_id: us, client_secret: {env: LANYARD_CONNECTION_MS_CLIENT_SECRET},
         allowed_tenants: [9188040d-6c67-4c5b-b112-36a304b66dad], refused_tenants: [11111111-6c67-4c5b-b112-36a304b66dad]}
      - {id: telegram, kind: telegram, name: Telegram, client_id: "12345", client_secret: {env: LANYARD_CONNECTION_TELEGRAM_CLIENT_SECRET},
         bot_token: {env: LANYARD_CONNECTION_TELEGRAM_BOT_TOKEN}}
    users:
      - sub: ada-subject
        username: ada
        email: ada@example.test
        email_verified: true
        name: Ada
        given_name: Ada
        family_name: Lovelace
        middle_name: King
        nickname: A
        preferred_username: ada
        profile: https://example.test/ada
        picture: https://example.test/ada.png
        website: https://ada.example.test
        gender: female
        birthdate: "1815-12-10"
        zoneinfo: Europe/London
        locale: en-GB
        phone_number: "+442071838750"
        phone_number_verified: true
        address: {formatted: a, street_address: b, locality: c, region: d, postal_code: e, country: f}
        attributes: {shoe_size: "39", team: red}
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"
        must_change_password: true
        password_short: true
        updated_at: 1700000000
        roles: [reader]
        emails: [{address: ada@work.test, verified: true}, {address: ada@home.test}]
        identities: [{connection: google, issuer: https://accounts.google.com, subject: "1815", label: ada@gmail.test}]
      - {sub: bob-subject, email: bob@example.test, name: Bob, disabled: true}
    clients:
      - client_id: web
        type: web
        client_name: Web
        client_uri: https://web.example.test
        logo_uri: https://web.example.test/logo.png
        policy_uri: https://web.example.test/policy
        tos_uri: https://web.example.test/terms
        contacts: [dev@example.test]
        disabled: true
        redirect_uris: [https://web.example.test/cb]
        post_logout_redirect_uris: [https://web.example.test/bye]
        initiate_login_uri: https://web.example.test/start
        grant_types: [authorization_code, refresh_token]
        response_types: [code]
        token_endpoint_auth_method: client_secret_basic
        scope: openid read
        id_token_signed_response_alg: ES256
        jwks: {keys: [{kty: EC, crv: P-256, x: x, y: y}]}
        jwks_uri: https://web.example.test/jwks
        default_max_age: 3600
        require_auth_time: true
        default_acr_values: ["2"]
        backchannel_logout_uri: https://web.example.test/back
        frontchannel_logout_uri: https://web.example.test/front
        require_pkce: false
        first_party: true
        require_organization: true
        default_resource: https://api.example.test
        resources: [https://api.example.test]
        claims_in_id_token: true
        profile: oidc
        access_token_lifetime: 5m
        id_token_lifetime: 30m
        refresh_token_idle: 24h
        refresh_token_lifetime: 240h
        client_secret_hashes: [{sha256: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE}, {sha256: MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE, expires_at: "2030-01-01"}]
      - {client_id: robot, type: machine, client_secret: robot-secret-0123456789-0123456789-01, roles: [reader], organizations: [{organization: acme, roles: [admin]}]}
    organizations:
      - id: org_06fk2m3n4p5q6r7s8t9v0w1x2y
        slug: acme
        name: Acme
        code: ABCDEFGH
        personal: true
        plan: gold
        trial_end: "2030-05-06T07:08:09Z"
        seats: 12
        language: de
        branding: {accent: "#0a5fd8", logo_url: /org-logo/a.png}
        logo: PICTURE
        logo_dark: PICTURE
        policy: {second_factor: required, methods: [password], session_lifetime: 8h, session_idle: 1h, own_connection_only: true}
        roles: [{name: clerk, permissions: ["members:read"]}]
        members: [{user: ada-subject, roles: [owner]}, {user: bob-subject, roles: [clerk, member]}]
        domains: [{domain: acme.test, verified: true, joining: request, token: a-token}, {domain: other.test, token: b-token}]
        connections:
          - {id: acme, kind: oidc, name: Acme, issuer: https://idp.acme.test, client_id: us, token_endpoint_auth_method: client_secret_post,
             client_secret: {env: LANYARD_CONNECTION_ACME_CLIENT_SECRET}, just_in_time: true, default_roles: [member]}
        invitations:
          - {email: new@acme.test, code_sha256: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE, roles: [admin], uses: 1, expires_at: "2030-01-01", client_id: web, inviter: ada-subject}
          - {domain: acme.test, code_sha256: MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE, roles: [member], uses: 5, expires_at: "2030-01-01"}
      - {slug: closed, suspended: true}
    webhooks:
      - {url: https://hooks.example.test/lanyard, description: Sync, types: [user.created, organization.*], disabled: true,
         secret: {env: LANYARD_WEBHOOK_HOOKS_EXAMPLE_TEST_LANYARD_SECRET}}
    trusted_issuers:
      - {issuer: https://ci.example.test, jwks: {keys: []}, algorithms: [RS256], claim_mapping: {sub: client}, purposes: [assertions], owner: acme}
    invitations:
      - {email: fresh@example.test, code_sha256: MjEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE, uses: 1, expires_at: "2030-01-01", plan: gold, trial_days: 7}
`
