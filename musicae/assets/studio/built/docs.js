SwaggerUIBundle({url:"/openapi.json",dom_id:"#docs",deepLinking:!0});
