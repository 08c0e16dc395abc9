"""The CloudFront model, and botocore's client side to compare with."""

import botocore.session
import pytest
from botocore.model import ServiceModel as BotocoreServiceModel

from edgeward.aws.model import ServiceModel


@pytest.fixture(scope="session")
def model() -> ServiceModel:
    """Edgeward's view of the model."""
    return ServiceModel("cloudfront", "2020-05-31")


@pytest.fixture(scope="session")
def client_model() -> BotocoreServiceModel:
    """The same model as a client has it."""
    return botocore.session.get_session().get_service_model("cloudfront")
