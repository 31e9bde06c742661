// The description of the service's requests, at /docs.
declare const SwaggerUIBundle: (options: Record<string, unknown>) => void;

SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });

export {};
