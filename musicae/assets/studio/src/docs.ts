// The page /docs: a description of the service's requests.
declare const SwaggerUIBundle: (options: Record<string, unknown>) => void;

SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });

export {};
