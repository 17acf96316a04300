"""Azure OpenAI, through its versionless address: ``https://RESOURCE.openai.azure.com/openai/v1#DEPLOYMENT``.

The model is the deployment's name, which says nothing about the model behind it, so what it refuses is found out from
its 400 messages. An older address works too, with its query: ``…/openai/deployments/NAME?api-version=2024-10-21``.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="azure",
    title="Azure OpenAI",
    aliases=("azure-openai",),
    hosts=(".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
    key_env="AZURE_OPENAI_API_KEY",
    key_header="api-key",
    openai_models=True,
    max_tokens_field="max_completion_tokens",
    reasoning="effort",
)
