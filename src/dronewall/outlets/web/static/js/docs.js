/** Shows the API's schema with Swagger UI; everything comes from this server. */
SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#docs",
  validatorUrl: null,
  supportedSubmitMethods: ["get"],
  defaultModelsExpandDepth: 0,
});
