"""A Gymnasium environment in which an agent learns to choose VTracer parameters."""
