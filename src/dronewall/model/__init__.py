"""The words of the house: tables that flow between the stages, frozen types for what is few. Pure; imports nobody."""
