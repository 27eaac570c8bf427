// The documents of /v1, drawn by Swagger UI from our own description. Changes made with
// "Try it out" need the token (Authorize) or the browser session and its form key.

const session = await fetch("/login").catch(() => null);
const formKey = session?.ok ? (await session.json()).form_key : "";

window.SwaggerUIBundle({
  url: "/docs/openapi.json",
  domNode: document.getElementById("documents"),
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (formKey) request.headers["X-Heliograph-Form"] = formKey;
    return request;
  },
});
